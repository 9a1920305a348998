// again: mov dx, 0x3fd; wait: in al, dx; test al, 1; jz wait; mov dx, 0x3f8; in al, dx; out 0xe9, al; cmp al, '!';
// jne again; hlt
new File(basedir, 'echo.bin').bytes = 'bafd03eca80174fbbaf803ece6e93c2175eef4'.decodeHex()
// ud2
new File(basedir, 'ud2.bin').bytes = '0f0b'.decodeHex()
// fninit; fldcw [0x1100], all unmasked; fldz; fldz; fdivp; fwait; hlt, with CR0.NE clear
new File(basedir, 'fpu.bin').bytes = 'dbe3d92e0011d9eed9eedef99bf4'.decodeHex()
// hlt, under the name that the C program would have
new File(basedir, 'source.c').bytes = 'f4'.decodeHex()
true
