/* The programs of the menu. */

#include "lib.h"

PROGRAM(table)
{
    for (int table = 2; table <= 9; table++) {
        for (int line = 1; line <= 9; line++) {
            printf("%d x %d = %d\n", table, line, table * line);
        }
    }
    return 0;
}

PROGRAM(counter)
{
    for (int i = 0; i <= 9; i++) {
        printf("%d\n", i);
        call(SYS_SLEEP, 1, 0, 0);
    }
    return 0;
}

PROGRAM(echo)
{
    char line[LINE_SIZE];
    printf("%s\n", argument_or_line(arguments, "Text: ", line));
    return 0;
}

PROGRAM(fibonacci)
{
    uint32_t previous = 1;
    uint32_t number = 0;
    for (int i = 0; i <= 20; i++) {
        printf(i == 0 ? "%u" : " %u", number);
        uint32_t next = previous + number;
        previous = number;
        number = next;
    }
    printf("\n");
    return 0;
}

static bool is_prime(int number)
{
    for (int divisor = 2; divisor * divisor <= number; divisor++) {
        if (number % divisor == 0) {
            return false;
        }
    }
    return true;
}

PROGRAM(primes)
{
    for (int number = 2; number <= 100; number++) {
        if (is_prime(number)) {
            printf(number == 2 ? "%d" : " %d", number);
        }
    }
    printf("\n");
    return 0;
}

/* Calculates what fits into 32 bits. Returns what is wrong, or NULL. */
static const char *calculate(int left, char operator, int right, int *result)
{
    bool overflow = false;
    switch (operator) {
    case '+':
        overflow = __builtin_add_overflow(left, right, result);
        break;
    case '-':
        overflow = __builtin_sub_overflow(left, right, result);
        break;
    case '*':
        overflow = __builtin_mul_overflow(left, right, result);
        break;
    case '/':
    case '%':
        if (right == 0) {
            return "division by zero";
        }
        overflow = left == INT32_MIN && right == -1;
        if (!overflow) {
            *result = operator == '/' ? left / right : left % right;
        }
        break;
    default:
        return "the operators are + - * / %";
    }
    return overflow ? "the result is too large" : NULL;
}

PROGRAM(calculator)
{
    char line[LINE_SIZE];
    int left, right, result;
    const char *text = argument_or_line(arguments, "Calculate, such as 6 * 7: ", line);
    const char *operator = parse_number(skip_spaces(text), &left);
    if (operator == NULL) {
        printf("Error: a number is missing or too large\n");
        return 1;
    }
    operator = skip_spaces(operator);
    const char *rest = *operator == 0 ? NULL : parse_number(skip_spaces(operator + 1), &right);
    if (rest == NULL || *skip_spaces(rest) != 0) {
        printf("Error: a calculation is a number, an operator and a number\n");
        return 1;
    }
    const char *error = calculate(left, *operator, right, &result);
    if (error != NULL) {
        printf("Error: %s\n", error);
        return 1;
    }
    printf("%d %c %d = %d\n", left, *operator, right, result);
    return 0;
}

PROGRAM(factorial)
{
    uint32_t product = 1;
    printf("0! = 1\n");
    for (uint32_t i = 1; i <= 12; i++) {
        product *= i;
        printf("%u! = %u\n", i, product);
    }
    return 0;
}

PROGRAM(gcd)
{
    char line[LINE_SIZE];
    int a, b;
    const char *rest = parse_number(skip_spaces(argument_or_line(arguments, "Two numbers: ", line)), &a);
    rest = rest == NULL ? NULL : parse_number(skip_spaces(rest), &b);
    if (rest == NULL || *skip_spaces(rest) != 0 || a <= 0 || b <= 0) {
        printf("Error: two positive numbers are needed\n");
        return 1;
    }
    printf("gcd(%d, %d) = ", a, b);
    while (b != 0) {
        int remainder = a % b;
        a = b;
        b = remainder;
    }
    printf("%d\n", a);
    return 0;
}

PROGRAM(about)
{
    printf("1K OS is a small kernel for %d-bit x86: ring 3, paging, processes, files in memory.\n",
           (int)sizeof(void *) * 8);
    printf("%d pages of memory are free.\n", call(SYS_FREE_PAGES, 0, 0, 0));
    return 0;
}
