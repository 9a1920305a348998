void fill(void);

void main(void)
{
    fill();
}
