import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

// ud2
new File(basedir, 'ud2.bin').bytes = '0f0b'.decodeHex()
// again: mov dx, 0x3fd; wait: in al, dx; test al, 1; jz wait; mov dx, 0x3f8; in al, dx; out 0xe9, al; cmp al, '!';
// jne again; hlt
new File(basedir, 'echo.bin').bytes = 'bafd03eca80174fbbaf803ece6e93c2175eef4'.decodeHex()
// hlt, under the name that the bundle would have
new File(basedir, 'image.zip').bytes = 'f4'.decodeHex()
new ZipOutputStream(new FileOutputStream(new File(basedir, 'slip.zip'))).withCloseable { zip ->
    zip.putNextEntry(new ZipEntry('../slipped.txt'))
    zip.write('out'.bytes)
}
true
