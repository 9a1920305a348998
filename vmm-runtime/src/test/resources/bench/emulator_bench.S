# A boot sector that measures: it enters MODE (1 real, 2 protected, 3 paged), writes S to the debug console, does WORK
# (1 integer loop, 2 memory copy, 3 recursion, 4 interrupts and ports), writes E and ends the run by port 0xf4. An emulator
# and QEMU run the same bytes.

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
#define GATE(vector) vector * 4
        mov     word ptr [GATE(0x30)], offset handler
        mov     word ptr [GATE(0x30) + 2], 0
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
        mov     word ptr [0x5000 + 8 * 0x30], ax
        mov     dword ptr [0x5000 + 8 * 0x30 + 2], 8
        mov     word ptr [0x5000 + 8 * 0x30 + 5], 0x8e
        mov     word ptr [0x5000 + 8 * 0x30 + 6], 0
#if MODE == 3
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
        mov     ecx, COUNT
1:      add     eax, ecx
        xor     edx, eax
        lea     ebx, [eax+edx*4]
        sub     esi, ebx
        and     edi, 0xffff
        dec     ecx
        jnz     1b
#elif WORK == 2
        mov     edx, COUNT
1:      mov     esi, 0x2000
        mov     edi, 0x4000
        mov     ecx, 256
2:      mov     eax, [esi]
        mov     [edi], eax
        add     esi, 4
        add     edi, 4
        dec     ecx
        jnz     2b
        dec     edx
        jnz     1b
#elif WORK == 3
        mov     esi, COUNT
1:      mov     eax, 18
        call    fibonacci
        dec     esi
        jnz     1b
#else
        mov     ecx, COUNT
1:      int     0x30
        mov     ebx, ecx
        and     ebx, 7
        jnz     2f
        out     0x80, al
2:      add     edx, ebx
        xor     edx, ecx
        dec     ecx
        jnz     1b
#endif
        mov     al, 'E'
        out     0xe9, al
        xor     eax, eax
        out     0xf4, al
        hlt

#if WORK == 3
fibonacci:
        cmp     eax, 2
        jb      1f
        push    ebx
        push    eax
        dec     eax
        call    fibonacci
        mov     ebx, eax
        pop     eax
        sub     eax, 2
        call    fibonacci
        add     eax, ebx
        pop     ebx
1:      ret
#endif

handler:
        inc     edi
#if MODE == 1
        iret
#else
        iretd
#endif

#if MODE != 1
        .balign 8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdtr:   .word   23
        .long   gdt
idtr:   .word   0x7ff
        .long   0x5000
#endif
        .org    510
        .word   0xaa55
