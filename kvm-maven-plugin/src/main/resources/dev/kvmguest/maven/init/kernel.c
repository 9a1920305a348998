#include <kvmguest.h>

void kernel_main(void)
{
    kvmguest_print("Hello, World!\n");
    kvmguest_exit(0);
}
