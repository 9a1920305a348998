// mov al, [0x7c08]; out 0xe9, al; hlt; nop; nop; 'B': only at 0x7c00 does it find the letter
def sector = new byte[512]
def code = 'a0087ce6e9f4909042'.decodeHex()
System.arraycopy(code, 0, sector, 0, code.length)
sector[510] = 0x55
sector[511] = (byte) 0xaa
new File(basedir, 'checks/sector.bin').bytes = sector
true
