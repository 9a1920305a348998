def image = { name, hex -> new File(basedir, name).bytes = hex.replace(' ', '').decodeHex() }
// mov al, 'A'; out 0xe9, al; XX 0b: or cl, [bp+di], or ud2; mov al, 0; out 0xf4, al; hlt; and what nobody reads
image('good.bin', 'b041 e6e9 0a0b b000 e6f4 f4 0102030405')
image('bad.bin', 'b041 e6e9 0f0b b000 e6f4 f4 1112131415')
// The same with another letter.
image('other.bin', 'b042 e6e9 0a0b b000 e6f4 f4 0102030405')
// The same with a byte more.
image('longer.bin', '90 b041 e6e9 0f0b b000 e6f4 f4')
true
