void careless(void)
{
    int never_used;
}
