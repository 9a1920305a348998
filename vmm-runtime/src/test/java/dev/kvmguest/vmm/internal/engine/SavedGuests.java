package dev.kvmguest.vmm.internal.engine;

/** Guests that have much that must not be lost when a vCPU is saved. Bytes, two spaces, mnemonics. */
public final class SavedGuests {

    private SavedGuests() {}

    /** Virtual-8086 mode: ports, a flag pushed by it, and an end by HLT, which it may not execute. */
    public static final String VIRTUAL_8086 = code("""
            bc 00 80 00 00                   mov esp,0x8000
            6a 00                            push 0x0
            6a 00                            push 0x0
            6a 00                            push 0x0
            6a 00                            push 0x0
            68 00 06 00 00                   push 0x600
            68 00 01 00 00                   push 0x100
            68 02 30 02 00                   push 0x23002
            68 00 01 00 00                   push 0x100
            6a 24                            push 0x24
            cf                               iret
            e6 e9                            out 0xe9,al
            9c                               pushf
            58                               pop ax
            e6 e9                            out 0xe9,al
            e4 10                            in al,0x10
            e6 e9                            out 0xe9,al
            f4                               hlt
            """);

    /** x87, MMX, SSE, ports, memory without RAM, shadows, an interrupt, traps, breakpoints, MSRs and HLT. */
    public static final String ALL = code("""
            bc 00 80 00 00                   mov esp,0x8000
            66 c7 05 30 05 00 00 66 11       mov WORD PTR ds:0x530,0x1166
            c7 05 32 05 00 00 08 00 00 00    mov DWORD PTR ds:0x532,0x8
            c6 05 35 05 00 00 8e             mov BYTE PTR ds:0x535,0x8e
            66 c7 05 58 05 00 00 70 11       mov WORD PTR ds:0x558,0x1170
            c7 05 5a 05 00 00 08 00 00 00    mov DWORD PTR ds:0x55a,0x8
            c6 05 5d 05 00 00 8e             mov BYTE PTR ds:0x55d,0x8e
            66 c7 05 28 06 00 00 75 11       mov WORD PTR ds:0x628,0x1175
            c7 05 2a 06 00 00 08 00 00 00    mov DWORD PTR ds:0x62a,0x8
            c6 05 2d 06 00 00 8e             mov BYTE PTR ds:0x62d,0x8e
            b8 00 06 00 00                   mov eax,0x600
            0f 22 e0                         mov cr4,eax
            db e3                            fninit
            d9 eb                            fldpi
            d9 e8                            fld1
            e4 10                            in al,0x10
            66 0f 6e c0                      movd xmm0,eax
            66 0f 70 c8 00                   pshufd xmm1,xmm0,0x0
            de c1                            faddp st(1),st
            d9 2d 7c 11 00 00                fldcw WORD PTR ds:0x117c
            dd 15 00 90 00 00                fst QWORD PTR ds:0x9000
            0f ae 15 7e 11 00 00             ldmxcsr DWORD PTR ds:0x117e
            66 0f fe c9                      paddd xmm1,xmm1
            e7 20                            out 0x20,eax
            bf 00 91 00 00                   mov edi,0x9100
            b9 05 00 00 00                   mov ecx,0x5
            66 ba 10 00                      mov dx,0x10
            f3 6c                            rep ins BYTE PTR es:[edi],dx
            be 00 91 00 00                   mov esi,0x9100
            b9 05 00 00 00                   mov ecx,0x5
            f3 6e                            rep outs dx,BYTE PTR ds:[esi]
            a1 00 00 00 07                   mov eax,ds:0x7000000
            f3 0f 7e 15 10 00 00 07          movq xmm2,QWORD PTR ds:0x7000010
            a3 04 00 00 07                   mov ds:0x7000004,eax
            be 20 00 00 07                   mov esi,0x7000020
            bf 40 00 00 07                   mov edi,0x7000040
            b9 03 00 00 00                   mov ecx,0x3
            f3 a5                            rep movs DWORD PTR es:[edi],DWORD PTR ds:[esi]
            bc 00 01 00 07                   mov esp,0x7000100
            60                               pusha
            bc 00 80 00 00                   mov esp,0x8000
            fb                               sti
            90                               nop
            45                               inc ebp
            fa                               cli
            0f 0b                            ud2
            b8 82 11 00 00                   mov eax,0x1182
            0f 23 c0                         mov dr0,eax
            b8 03 00 0f 00                   mov eax,0xf0003
            0f 23 f8                         mov dr7,eax
            c7 05 82 11 00 00 10 00 00 00    mov DWORD PTR ds:0x1182,0x10
            8e 15 82 11 00 00                mov ss,WORD PTR ds:0x1182
            bc 00 7f 00 00                   mov esp,0x7f00
            43                               inc ebx
            31 c0                            xor eax,eax
            0f 23 f8                         mov dr7,eax
            9c                               pushf
            81 0c 24 00 01 00 00             or DWORD PTR [esp],0x100
            9d                               popf
            90                               nop
            e4 11                            in al,0x11
            9c                               pushf
            81 24 24 ff fe ff ff             and DWORD PTR [esp],0xfffffeff
            9d                               popf
            b9 75 01 00 00                   mov ecx,0x175
            b8 34 12 00 00                   mov eax,0x1234
            31 d2                            xor edx,edx
            0f 30                            wrmsr
            b9 10 00 00 00                   mov ecx,0x10
            b8 77 07 00 00                   mov eax,0x777
            0f 30                            wrmsr
            90                               nop
            0f 31                            rdtsc
            e7 21                            out 0x21,eax
            b9 75 01 00 00                   mov ecx,0x175
            0f 32                            rdmsr
            e7 22                            out 0x22,eax
            fb                               sti
            f4                               hlt
            fa                               cli
            66 0f 7e c8                      movd eax,xmm1
            e7 23                            out 0x23,eax
            0f 6f 1d 00 90 00 00             movq mm3,QWORD PTR ds:0x9000
            0f 7f 1d 00 92 00 00             movq QWORD PTR ds:0x9200,mm3
            0f 77                            emms
            dd 35 00 93 00 00                fnsave ds:0x9300
            0f ae 05 00 94 00 00             fxsave ds:0x9400
            f4                               hlt
            0f 21 f7                         mov edi,dr6
            ff 05 00 96 00 00                inc DWORD PTR ds:0x9600
            cf                               iret
            83 04 24 02                      add DWORD PTR [esp],0x2
            cf                               iret
            ff 05 04 96 00 00                inc DWORD PTR ds:0x9604
            cf                               iret
            7f 02
            a0
            1f
            00 00
            """);

    /** SSE, debug registers, an MSR, ports and memory without RAM, with instructions that every KVM can interpret. */
    public static final String REGISTERS = code("""
            b8 00 06 00 00                   mov eax,0x600
            0f 22 e0                         mov cr4,eax
            db e3                            fninit
            e4 10                            in al,0x10
            a3 00 90 00 00                   mov ds:0x9000,eax
            0f 10 0d 00 90 00 00             movups xmm1,XMMWORD PTR ds:0x9000
            b8 45 23 01 00                   mov eax,0x12345
            0f 23 c0                         mov dr0,eax
            b8 00 06 00 00                   mov eax,0x600
            0f 23 f8                         mov dr7,eax
            b9 75 01 00 00                   mov ecx,0x175
            b8 34 12 00 00                   mov eax,0x1234
            31 d2                            xor edx,edx
            0f 30                            wrmsr
            e7 20                            out 0x20,eax
            0f 11 0d 00 94 00 00             movups XMMWORD PTR ds:0x9400,xmm1
            a1 00 94 00 00                   mov eax,ds:0x9400
            e7 21                            out 0x21,eax
            a1 00 00 00 07                   mov eax,ds:0x7000000
            a3 04 00 00 07                   mov ds:0x7000004,eax
            b9 75 01 00 00                   mov ecx,0x175
            0f 32                            rdmsr
            e7 22                            out 0x22,eax
            0f 21 c0                         mov eax,dr0
            e7 23                            out 0x23,eax
            d9 3d 00 93 00 00                fnstcw WORD PTR ds:0x9300
            0f 11 0d 10 94 00 00             movups XMMWORD PTR ds:0x9410,xmm1
            e6 f4                            out 0xf4,al
            """);

    /** Ports, an interrupt, an exception, shadows and HLT in real mode. */
    public static final String REAL = code("""
            c7 06 80 00 40 10                mov WORD PTR ds:0x80,0x1040
            c7 06 18 00 37 10                mov WORD PTR ds:0x18,0x1037
            e4 10                            in al,0x10
            88 c3                            mov bl,al
            ba 10 00                         mov dx,0x10
            bf 00 30                         mov di,0x3000
            b9 04 00                         mov cx,0x4
            f3 6c                            rep ins BYTE PTR es:[di],dx
            be 00 30                         mov si,0x3000
            b9 04 00                         mov cx,0x4
            f3 6e                            rep outs dx,BYTE PTR ds:[si]
            fb                               sti
            90                               nop
            45                               inc bp
            fa                               cli
            0f 0b                            ud2
            b8 40 00                         mov ax,0x40
            16                               push ss
            17                               pop ss
            bc f0 0f                         mov sp,0xff0
            fb                               sti
            f4                               hlt
            fa                               cli
            e7 21                            out 0x21,ax
            f4                               hlt
            55                               push bp
            89 e5                            mov bp,sp
            83 46 02 02                      add WORD PTR [bp+0x2],0x2
            5d                               pop bp
            cf                               iret
            ff 06 10 30                      inc WORD PTR ds:0x3010
            cf                               iret
            """);

    /** #UD through an IDT at 0x7000000, where no RAM is. */
    public static final String GATES_WITHOUT_RAM = code("""
            bc 00 80 00 00                   mov esp,0x8000
            66 c7 05 00 90 00 00 ff 07       mov WORD PTR ds:0x9000,0x7ff
            c7 05 02 90 00 00 00 00 00 07    mov DWORD PTR ds:0x9002,0x7000000
            0f 01 1d 00 90 00 00             lidtd ds:0x9000
            0f 0b                            ud2
            90                               nop
            58                               pop eax
            e7 20                            out 0x20,eax
            f4                               hlt
            """);

    /** PAE paging; the page-directory-pointer table is overwritten after CR3 has been loaded. */
    public static final String STALE_POINTERS = code("""
            bc 00 80 00 00                   mov esp,0x8000
            c7 05 00 00 01 00 01 10 01 00    mov DWORD PTR ds:0x10000,0x11001
            c7 05 00 10 01 00 83 00 00 00    mov DWORD PTR ds:0x11000,0x83
            b8 00 00 01 00                   mov eax,0x10000
            0f 22 d8                         mov cr3,eax
            b8 20 00 00 00                   mov eax,0x20
            0f 22 e0                         mov cr4,eax
            0f 20 c0                         mov eax,cr0
            0d 00 00 00 80                   or eax,0x80000000
            0f 22 c0                         mov cr0,eax
            c7 05 00 00 01 00 00 00 00 00    mov DWORD PTR ds:0x10000,0x0
            e7 20                            out 0x20,eax
            0f 01 3d 00 90 00 00             invlpg BYTE PTR ds:0x9000
            ff 05 00 90 00 00                inc DWORD PTR ds:0x9000
            e7 21                            out 0x21,eax
            f4                               hlt
            """);

    private static String code(String listing) {
        StringBuilder hex = new StringBuilder();
        listing.lines().forEach(line -> hex.append(line.split("  +", 2)[0]).append(' '));
        return hex.toString();
    }
}
