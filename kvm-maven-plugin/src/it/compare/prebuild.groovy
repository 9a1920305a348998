// mov al, 'h'; out 0xe9, al; cli; hlt
new File(basedir, 'hello.bin').bytes = 'b068e6e9faf4'.decodeHex()
// smsw ax; and al, 1; add al, '0'; out 0xe9, al; cli; hlt
new File(basedir, 'mode.bin').bytes = '0f01e024010430e6e9faf4'.decodeHex()
true
