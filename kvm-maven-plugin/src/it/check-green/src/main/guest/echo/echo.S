# Sends back what COM1 receives, up to a line feed, then ends the run with the number of characters.

        .code16
        .globl  _start

        .set    data, 0x3f8
        .set    line_status, 0x3fd
        .set    data_ready, 1

_start:
        xorw    %bx, %bx
next:
        movw    $line_status, %dx
        inb     %dx, %al
        testb   $data_ready, %al
        jz      next
        movw    $data, %dx
        inb     %dx, %al
        cmpb    $'\n', %al
        je      done
        outb    %al, %dx
        incw    %bx
        jmp     next
done:
        movb    %bl, %al
        outb    %al, $0xf4
        hlt
