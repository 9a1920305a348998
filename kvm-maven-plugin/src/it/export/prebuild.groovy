// again: mov dx, 0x3fd; wait: in al, dx; test al, 1; jz wait; mov dx, 0x3f8; in al, dx; out 0xe9, al; cmp al, '!';
// jne again; hlt
new File(basedir, 'echo.bin').bytes = 'bafd03eca80174fbbaf803ece6e93c2175eef4'.decodeHex()
// ud2
new File(basedir, 'ud2.bin').bytes = '0f0b'.decodeHex()
// mov word [0x20], 0x1030; mov word [0x22], 0; mov al, 0xfe; out 0x21, al; mov al, 0x34; out 0x43, al; mov al, 0xa9;
// out 0x40, al; mov al, 4; out 0x40, al; sti; here: jmp here; at 0x1030: hlt
new File(basedir, 'ticks.bin').bytes =
        ('c70620003010' + 'c70622000000' + 'b0fee621' + 'b034e643' + 'b0a9e640' + 'b004e640' + 'fb' + 'ebfe').padRight(2 * 0x30, '90').concat('f4').decodeHex()
// hlt, under the name that the C program would have
new File(basedir, 'source.c').bytes = 'f4'.decodeHex()
true
