// cld; mov si, text; mov cx, 6; mov dx, 0xe9; rep outsb; mov al, 0; out 0xf4, al; text
new File(basedir, 'hello.bin').bytes = ('fcbe1110b90600bae900f36eb000e6f4f4' + '68656c6c6f0a').decodeHex()
// wait: mov dx, 0x3fd; in al, dx; test al, 1; jz wait; mov dx, 0x3f8; in al, dx; mov dx, 0xe9; out dx, al; hlt
new File(basedir, 'echo.bin').bytes = 'bafd03eca80174f8baf803ecbae900eef4'.decodeHex()
// mov al, 'h'; out 0xe9, al; mov al, 'i'; out 0xe9, al; hlt
new File(basedir, 'paged.bin').bytes = 'b068e6e9b069e6e9f4'.decodeHex()
true
