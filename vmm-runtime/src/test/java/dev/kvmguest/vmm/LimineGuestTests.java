package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Limine kernels that run, and how the ends of those that die are explained. */
@OnEachEngine
@Timeout(60)
class LimineGuestTests {

    private final EngineChoice engine;

    LimineGuestTests(EngineChoice engine) {
        Device.assumeFor(engine);
        Device.assumeFor(engine, Feature.neededBy(BootMode.LIMINE));
        this.engine = engine;
    }

    private Outcome run(VcpuConfig guest) {
        MachineConfig config =
                MachineConfig.builder().vcpu(guest).engine(engine).build();
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }

    /** Returns a kernel with a base revision tag and a request, the pointer to whose response is at ...2040. */
    private static LimineKernel kernel(String feature, String code) {
        return new LimineKernel().baseRevision(3).request(feature).code(code);
    }

    @Test
    void kernelReadsItsResponsesThroughTheDirectMap() {
        // mov rax,[0xffffffff80002040]; mov rax,[rax+8]; again: mov dl,[rax]; test dl,dl; jz end; xchg eax,edx is not
        // it: mov rcx,rax; mov al,dl; out 0xe9,al; lea rax,[rcx+1]; jmp again; end: hlt
        Outcome outcome = run(kernel(
                        "BOOTLOADER_INFO",
                        "48 8b 04 25 40 20 00 80 48 8b 40 08 8a 10 84 d2 74 0d 48 89 c1 88 d0 e6 e9 48 8d 41 01 eb ed 90"
                                + " f4")
                .config());

        assertThat(outcome.console()).isEqualTo("kvmguest");
        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
    }

    @Test
    void kernelHasAStackAndMaskedInterrupts() {
        // pop rax; push rax; test rax,rax; jne wrong; in al,0x21; cmp al,0xff; jne wrong; mov al,'k'; out 0xe9,al; hlt;
        // wrong: hlt
        Outcome outcome = run(kernel("HHDM", "58 50 48 85 c0 75 0b e4 21 3c ff 75 05 b0 6b e6 e9 f4 f4")
                .config());

        assertThat(outcome.console()).isEqualTo("k");
    }

    @Test
    void memoryTypesAreThoseOfTheSpecification() {
        // mov ecx,0x277; rdmsr; out 0xe9,al; shr eax,8; out 0xe9,al; shr eax,8; out 0xe9,al; shr eax,8; out 0xe9,al;
        // mov eax,edx; out 0xe9,al; shr eax,8; out 0xe9,al; hlt
        Outcome outcome = run(kernel(
                        "HHDM",
                        "b9 77 02 00 00 0f 32 e6 e9 c1 e8 08 e6 e9 c1 e8 08 e6 e9 c1 e8 08 e6 e9 89 d0 e6 e9 c1 e8 08"
                                + " e6 e9 f4")
                .config());

        assertThat(outcome.run().consoleBytes()).containsExactly(6, 4, 7, 0, 5, 1);
    }

    @Test
    void invalidOpcodeIsExplainedByTheFunctionsName() {
        Outcome outcome = run(kernel("HHDM", "90 0f 0b").config());

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        Fault fault = outcome.run().fault().orElseThrow();
        assertThat(fault.first().vector()).isEqualTo(6);
        assertThat(fault.at().symbol()).hasValue("_start+0x1");
        // By no means a reset on purpose: the kernel hasn't loaded an IDT yet.
        assertThat(fault.advice())
                .containsExactly(
                        "there is no IDT: the boot loader leaves none, and none was loaded; fill an IDT with a gate for"
                                + " each vector from 0 to 31 at least, and load it with LIDT before anything can go wrong");
    }

    @Test
    void resetByAnEmptyIdtOnPurposeStaysOne() {
        // lidt [0xffffffff80001000], of which the limit is made 0 by the constant's bytes there: none; so from zeros
        // in the data: lidt [0xffffffff80002058]; ud2
        Outcome outcome = run(new LimineKernel()
                .baseRevision(3)
                .words(0, 0)
                .code("0f 01 1c 25 18 20 00 80 0f 0b")
                .config());

        assertThat(outcome.run().fault().orElseThrow().advice())
                .first()
                .asString()
                .contains("that is how kernels reset the machine on purpose");
    }

    @Test
    void writeToAConstantIsExplainedByThePagesRights() {
        // mov byte [rel 0xffffffff80001000],1
        Outcome outcome = run(kernel("HHDM", "c6 05 f9 0f 00 00 01").config());

        Fault fault = outcome.run().fault().orElseThrow();
        assertThat(fault.first().vector()).isEqualTo(14);
        assertThat(fault.first().errorCode()).hasValue(3);
        assertThat(fault.advice())
                .first()
                .asString()
                .matches("mov byte \\[rel 0xffffffff80001000\\], 1 at 0xffffffff80000000 \\(_start\\) writes to"
                        + " 0xffffffff80001000 \\(constant\\), which page-table entry 1 at 0x\\w+ makes read-only: its"
                        + " bit 1, R/W, is clear, and CR0.WP is set, so that it counts in ring 0 too; .*");
    }

    @Test
    void executionOfDataIsExplainedByThePagesRights() {
        // jmp 0xffffffff80001000
        Outcome outcome = run(kernel("HHDM", "e9 fb 0f 00 00").config());

        assertThat(outcome.run().fault().orElseThrow().advice())
                .first()
                .asString()
                .contains("execution went to 0xffffffff80001000 (constant) after jmp")
                .contains("forbids to execute: its bit 63, NX, is set");
    }

    @Test
    void lowAddressesAreNotTakenForMappedOnes() {
        // mov eax,0x200000; jmp rax: the kernel is there in physical memory, which boot mode long would map
        Outcome outcome = run(kernel("HHDM", "b8 00 00 20 00 ff e0").config());

        assertThat(outcome.run().fault().orElseThrow().advice())
                .first()
                .asString()
                .startsWith("execution went to 0x200000, which is not mapped, after jmp rax at 0xffffffff80000005"
                        + " (_start+0x5);");
    }

    @Test
    void videoMemoryIsNotInTheDirectMapFromBaseRevision3On() {
        // mov rax,0xffff8000000b8000; mov byte [rax],0x41; hlt
        String code = "48 b8 00 80 0b 00 00 80 ff ff c6 00 41 f4";

        assertThat(run(kernel("HHDM", code).config())
                        .run()
                        .fault()
                        .orElseThrow()
                        .advice())
                .first()
                .isEqualTo("mov byte [rax], 0x41 at 0xffffffff8000000a (_start+0xa) uses 0xffff8000000b8000, physical"
                        + " 0xb8000 by the loader's direct map, in which that isn't: from Limine's base revision 3 on it"
                        + " has what the memory map calls usable, the loader's, the kernel's or framebuffer; map the"
                        + " address in page tables, or ask for base revision 2, which maps the first 4 GiB");
        assertThat(run(new LimineKernel()
                        .baseRevision(2)
                        .request("HHDM")
                        .code(code)
                        .config()))
                .isInstanceOf(Outcome.Halted.class);
    }

    @Test
    void addressesThatNoMemoryCanHaveAreNotTakenForTheDirectMaps() {
        // mov rax,0xffff900000000000; mov al,[rax]
        assertThat(run(kernel("HHDM", "48 b8 00 00 00 00 00 90 ff ff 8a 00").config())
                        .run()
                        .fault()
                        .orElseThrow()
                        .advice())
                .noneMatch(sentence -> sentence.contains("direct map"));
    }

    @Test
    void tablesThatTheKernelClearsAreToldByTheInstructionThatDidIt() {
        // mov rax,0xffff800000000000; mov rcx,cr3; add rax,rcx; mov qword [rax+0xff8],0; mov cr3,rcx: of Limine's
        // tables
        // it isn't assumed where they should have led
        Outcome outcome = run(kernel(
                        "HHDM",
                        "48 b8 00 00 00 00 00 80 ff ff 0f 20 d9 48 01 c8 48 c7 80 f8 0f 00 00 00 00 00 00 0f 22 d9 90")
                .config());

        assertThat(outcome.run().fault().orElseThrow().advice())
                .first()
                .asString()
                .startsWith("mov cr3, rcx at 0xffffffff8000001b (_start+0x1b) left the code that follows it at"
                        + " 0xffffffff8000001e without a page: page-map-level-4 entry 511");
    }

    @Test
    void requestsWithoutAnAnswerAreToldInReports() {
        // mov rax,[0xffffffff80002040]; mov rax,[rax+8]
        Outcome outcome =
                run(kernel("RSDP", "48 8b 04 25 40 20 00 80 48 8b 40 08").config());

        assertThat(outcome.warnings())
                .singleElement()
                .asString()
                .startsWith("the kernel's Limine request RSDP has no answer");
        assertThat(TextReport.brief(outcome))
                .contains("advice: null pointer: RAX is 0")
                .contains("warning: the kernel's Limine request RSDP has no answer on this machine");
        assertThat(run(kernel("HHDM", "f4").config()).warnings()).isEmpty();
    }

    @Test
    void modulesAreWhereTheKernelIsTold() {
        // mov rax,[0xffffffff80002040]; mov rax,[rax+16]; mov rax,[rax]; mov rax,[rax+8]; mov al,[rax]; out 0xe9,al;
        // hlt
        Outcome outcome =
                run(kernel("MODULES", "48 8b 04 25 40 20 00 80 48 8b 40 10 48 8b 00 48 8b 40 08 8a 00 e6 e9 f4")
                        .config()
                        .withModules(List.of(new BootModule("initrd", new byte[] {'m'}))));

        assertThat(outcome.console()).isEqualTo("m");
    }

    private List<String> advice(String code) {
        return run(kernel("HHDM", code).config()).run().fault().orElseThrow().advice();
    }

    @Test
    void physicalAddressThatTheDirectMapHasIsTold() {
        // mov eax,0x100000; mov ecx,[rax]
        assertThat(advice("b8 00 00 10 00 8b 08"))
                .first()
                .asString()
                .isEqualTo("mov ecx, [rax] at 0xffffffff80000005 (_start+0x5) uses 0x100000, where no page is; as a"
                        + " physical address it is mapped at 0xffff800000100000, by the loader's direct map: add the offset"
                        + " that answers an HHDM request, 0xffff800000000000 here, to physical addresses before they are"
                        + " used");
    }

    @Test
    void physicalAddressOfTextMemoryIsTold() {
        // mov eax,0xb8f9e; mov [rax],ecx
        assertThat(advice("b8 9e 8f 0b 00 89 08"))
                .first()
                .asString()
                .contains("uses 0xb8f9e, where no page is: that is the physical address of VGA text memory");
    }

    @Test
    void otherAddressesWithoutAPageAreNoPhysicalOnes() {
        // mov eax,0x50000000; mov ecx,[rax]: no RAM
        assertThat(advice("b8 00 00 00 50 8b 08")).noneMatch(said -> said.contains("physical address"));
        // mov eax,0xfff; mov cl,[rax]: a null pointer and an offset
        assertThat(advice("b8 ff 0f 00 00 8a 08")).noneMatch(said -> said.contains("physical address"));
        // mov eax,0x100000; jmp rax
        assertThat(advice("b8 00 00 10 00 ff e0")).noneMatch(said -> said.contains("physical address"));
        // mov al,[0xffffffff80000000]; mov [0xffffffff80000000],al: a page that is there, and isn't writable
        assertThat(advice("8a 04 25 00 00 00 80 88 04 25 00 00 00 80"))
                .noneMatch(said -> said.contains("physical address"));
    }

    @Test
    void tablesWhereTheLinkerHadThemAreTold() {
        // mov eax,0x2000; mov cr3,rax
        assertThat(advice("b8 00 20 00 00 0f 22 d8"))
                .first()
                .asString()
                .isEqualTo("mov cr3, rax at 0xffffffff80000005 (_start+0x5) loads 0x2000, which is 0xffffffff80002000"
                        + " minus 0xffffffff80000000, while the loader put that at physical 0x202000; subtract virtual_base"
                        + " and add physical_base of what answers an executable address request");
    }

    @Test
    void tablesOfAnotherKindInTheWrongPlaceAreNotThose() {
        // mov eax,0x202000; mov cr3,rax: where they are, and empty. mov eax,0x9000; mov cr3,rax: none of the kernel's
        for (String code : List.of("b8 00 20 20 00 0f 22 d8", "b8 00 90 00 00 0f 22 d8")) {
            assertThat(advice(code)).noneMatch(said -> said.contains("while the loader put that at"));
        }
    }

    @Test
    void entryThatReturnsIsTold() {
        // ret
        assertThat(advice("c3"))
                .first()
                .asString()
                .contains("; the kernel's entry point has returned, and nobody has called it: the boot loader put a 0");
        // push 0; ret
        assertThat(advice("6a 00 c3")).noneMatch(said -> said.contains("has returned"));
    }

    @Test
    void gateWithASelectorOfAnotherGdtIsTold() {
        // mov rdi,0xffffffff80002040; mov dword [rdi],0x00080100; mov dword [rdi+4],0x80008e00;
        // mov dword [rdi+8],0xffffffff; push rdi; push 0; mov word [rsp+6],0xfff; lidt [rsp+6]; int 0
        assertThat(advice("48 c7 c7 40 20 00 80 c7 07 00 01 08 00 c7 47 04 00 8e 00 80 c7 47 08 ff ff ff ff"
                        + "57 6a 00 66 c7 44 24 06 ff 0f 0f 01 5c 24 06 cd 00"))
                .first()
                .asString()
                .startsWith("IDT[0] at 0xffffffff80002040 has the selector 0x8, ");
    }
}
