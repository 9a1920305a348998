/*
 * The archive with which the kernel boots; see tar.c. It was made by tar -cf files.tar -b 1 --format=ustar
 * --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 motd.txt poem.txt
 */

.equ ARCHIVE_SIZE, 8 * (512 + 1024) + 2 * 512

.data
.balign 512
.globl archive
archive:
    .incbin "files.tar"
    .zero ARCHIVE_SIZE - (. - archive)
