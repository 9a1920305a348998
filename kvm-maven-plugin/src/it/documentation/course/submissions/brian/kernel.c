void kernel_main(void)
{
    print("ready\n")
}
