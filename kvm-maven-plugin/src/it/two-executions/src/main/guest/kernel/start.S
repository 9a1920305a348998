# Has no _start: its first byte is where it is entered.

        .code16

        movw    $here, %ax
here:
        hlt
