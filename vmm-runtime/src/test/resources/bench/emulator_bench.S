# A boot sector that measures: it enters MODE (1 real, 2 protected, 3 paged, 4 long), writes S to the debug console, does
# WORK (1 integer loop, 2 memory copy, 3 recursion, 4 interrupts and ports), writes E and ends the run by port 0xf4. An
# emulator and QEMU run the same bytes. In 64-bit mode all operands are of 64 bits.

#if MODE == 4
#define AX      rax
#define BX      rbx
#define CX      rcx
#define DX      rdx
#define SI      rsi
#define DI      rdi
#define WIDTH   8
#define GATE    (0x5000 + 16 * 0x30)
#define CODE    24
#else
#define AX      eax
#define BX      ebx
#define CX      ecx
#define DX      edx
#define SI      esi
#define DI      edi
#define WIDTH   4
#define GATE    (0x5000 + 8 * 0x30)
#define CODE    8
#endif

        .intel_syntax noprefix
        .code16
        .globl  _start
_start:
        cli
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x7000
#if MODE == 1
        mov     word ptr [0x30 * 4], offset handler
        mov     word ptr [0x30 * 4 + 2], 0
#else
        lgdt    [gdtr]
        lidt    [idtr]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     8:protected

        .code32
protected:
        mov     eax, 16
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     eax, offset handler
        mov     word ptr [GATE], ax
        mov     dword ptr [GATE + 2], CODE
        mov     word ptr [GATE + 5], 0x8e
        mov     word ptr [GATE + 6], 0
#if MODE == 4
        mov     dword ptr [GATE + 8], 0
        mov     dword ptr [0x10000], 0x11003
        mov     dword ptr [0x11000], 0x12003
        mov     dword ptr [0x12000], 0x83
        mov     eax, 0x10000
        mov     cr3, eax
        mov     eax, cr4
        or      al, 0x20
        mov     cr4, eax
        mov     ecx, 0xc0000080
        rdmsr
        or      ah, 1
        wrmsr
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        jmp     CODE:in_64_bits

        .code64
in_64_bits:
        xor     eax, eax
        xor     ebx, ebx
        xor     edx, edx
        xor     esi, esi
        xor     edi, edi
#elif MODE == 3
        mov     dword ptr [0x10000], 0x83
        mov     eax, 0x10000
        mov     cr3, eax
        mov     eax, cr4
        or      al, 0x10
        mov     cr4, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
#endif
#endif
        mov     al, 'S'
        out     0xe9, al

#if WORK == 1
        mov     CX, COUNT
1:      add     AX, CX
        xor     DX, AX
        lea     BX, [AX+DX*4]
        sub     SI, BX
        and     DI, 0xffff
        dec     CX
        jnz     1b
#elif WORK == 2
        mov     DX, COUNT
1:      mov     SI, 0x2000
        mov     DI, 0x4000
        mov     CX, 256
2:      mov     AX, [SI]
        mov     [DI], AX
        add     SI, WIDTH
        add     DI, WIDTH
        dec     CX
        jnz     2b
        dec     DX
        jnz     1b
#elif WORK == 3
        mov     SI, COUNT
1:      mov     AX, 18
        call    fibonacci
        dec     SI
        jnz     1b
#else
        mov     CX, COUNT
1:      int     0x30
        mov     BX, CX
        and     BX, 7
        jnz     2f
        out     0x80, al
2:      add     DX, BX
        xor     DX, CX
        dec     CX
        jnz     1b
#endif
        mov     al, 'E'
        out     0xe9, al
        xor     eax, eax
        out     0xf4, al
        hlt

#if WORK == 3
fibonacci:
        cmp     AX, 2
        jb      1f
        push    BX
        push    AX
        dec     AX
        call    fibonacci
        mov     BX, AX
        pop     AX
        sub     AX, 2
        call    fibonacci
        add     AX, BX
        pop     BX
1:      ret
#endif

handler:
        inc     DI
#if MODE == 1
        iret
#elif MODE == 4
        iretq
#else
        iretd
#endif

#if MODE != 1
        .balign 8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00af9a000000ffff
gdtr:   .word   31
        .long   gdt
idtr:   .word   0x7ff
        .long   0x5000
#endif
        .org    510
        .word   0xaa55
