int answer(void)
{
    return missing_variable;
}
