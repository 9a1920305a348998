package dev.kvmguest.vmm.internal.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.internal.report.json.JsonReader;
import dev.kvmguest.vmm.internal.report.json.JsonWriter;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Whatever decides how a machine is booted is in a bundle's manifest. */
class MachineJsonTests {

    private static final byte[] CODE = {(byte) 0xf4};
    private static final GuestImage FLAT = GuestImage.flat("kernel.bin", CODE);
    private static final GuestImage ELF = GuestImage.of(
            "kernel.elf",
            new ElfBuilder()
                    .load(0x1000, 0x1000, 1, 0xf4)
                    .entry(0x1000)
                    .symbol("start", 0x1000, 1, 2)
                    .build());

    private static final VcpuConfig PLAIN = VcpuConfig.of(FLAT);
    private static final VcpuConfig BOOTED = PLAIN.withBoot(BootMode.MULTIBOOT);
    private static final GuestTestCase TEST = new GuestTestCase(3, "adds", "math.c", 12);

    /** A value other than the default, for each part of a vCPU's configuration. */
    private static final Map<String, UnaryOperator<VcpuConfig>> VCPU = Map.of(
            "image", vcpu -> vcpu.withImage(ELF),
            "boot", vcpu -> vcpu.withBoot(BootMode.PAGED_4K),
            "load", vcpu -> vcpu.withLoad(0x8000),
            "entry", vcpu -> vcpu.withEntry(EntryPoint.segmented(0x100, 0x10)),
            "input", vcpu -> vcpu.withInput("a\u00e9\n\u0000\ud83d\ude00\ud800\\\""),
            "commandLine", vcpu -> vcpu.withBoot(BootMode.MULTIBOOT).withCommandLine("root=\"/dev/ram\""),
            "modules",
                    vcpu -> vcpu.withBoot(BootMode.MULTIBOOT)
                            .withModules(List.of(new BootModule("one", CODE), new BootModule("", new byte[0]))),
            "guestTest", vcpu -> vcpu.withGuestTest(TEST));

    private static final Map<String, UnaryOperator<MachineConfig>> MACHINE = Map.of(
            "vcpus", machine -> machine.withVcpu(BOOTED),
            "memorySize", machine -> builder(machine).memory(8 << 20).build(),
            "timeout", machine -> machine.withTimeout(Duration.ofNanos(1_234_567_891)),
            "engine", machine -> machine.withEngine(EngineChoice.KVM),
            "date",
                    machine -> builder(machine)
                            .date(LocalDateTime.of(1999, 12, 31, 23, 59, 58, 7))
                            .build(),
            "watchExceptions", machine -> builder(machine).watchExceptions(true).build(),
            "qemuArguments",
                    machine -> builder(machine)
                            .qemuArguments(List.of("-device", "edu"))
                            .build());

    private static MachineConfig.Builder builder(MachineConfig machine) {
        MachineConfig.Builder builder = MachineConfig.builder();
        machine.vcpus().forEach(builder::vcpu);
        return builder;
    }

    private static MachineConfig machine(VcpuConfig vcpu) {
        return MachineConfig.builder().vcpu(vcpu).build();
    }

    private static MachineConfig readAgain(MachineConfig config) {
        Map<String, byte[]> files = new HashMap<>();
        String json = JsonWriter.write(MachineJson.write(config, files));
        return MachineJson.read(new JsonObject(JsonReader.read(json)), files::get);
    }

    private static void assertSame(MachineConfig config) {
        assertThat(readAgain(config))
                .usingRecursiveComparison()
                .ignoringFieldsMatchingRegexes(".*\\.lines\\.sequences")
                .isEqualTo(config);
    }

    private static List<String> parts(Class<?> type) {
        return Arrays.stream(type.getRecordComponents())
                .map(RecordComponent::getName)
                .toList();
    }

    @Test
    void everyPartOfAVcpuIsCarried() {
        // A new one needs a value here, and its place in MachineJson and in docs/bundle.md.
        assertThat(VCPU).containsOnlyKeys(parts(VcpuConfig.class));
        VCPU.forEach((name, change) -> {
            VcpuConfig changed = change.apply(PLAIN);
            assertThat(changed).as(name).isNotEqualTo(PLAIN);
            assertSame(machine(changed));
        });
    }

    @Test
    void everyPartOfAMachineIsCarried() {
        assertThat(MACHINE).containsOnlyKeys(parts(MachineConfig.class));
        MACHINE.forEach((name, change) -> {
            MachineConfig changed = change.apply(machine(PLAIN));
            assertThat(changed).as(name).isNotEqualTo(machine(PLAIN));
            assertSame(changed);
        });
    }

    @Test
    void partsOfTheirPartsAreCarried() {
        assertThat(parts(BootModule.class)).containsExactly("commandLine", "bytes");
        assertThat(parts(GuestTestCase.class)).containsExactly("number", "name", "file", "line");
        assertThat(parts(EntryPoint.class)).containsExactly("segment", "offset");
        assertSame(machine(PLAIN.withEntry(EntryPoint.linear(0xffff_ffffL))));
        assertSame(machine(PLAIN.withEntry(EntryPoint.segmented(0xffff, 0xffff))));
    }

    @Test
    void randomMachinesAreCarried() {
        Random random = new Random(5);
        List<String> names = VCPU.keySet().stream().sorted().collect(Collectors.toList());
        for (int i = 0; i < 300; i++) {
            VcpuConfig vcpu = PLAIN;
            for (String name : names) {
                vcpu = random.nextInt(3) == 0 ? VCPU.get(name).apply(vcpu) : vcpu;
            }
            boolean plain = vcpu.commandLine().isEmpty() && vcpu.modules().isEmpty();
            MachineConfig machine = machine(plain ? vcpu : vcpu.withBoot(BootMode.MULTIBOOT));
            for (String name : List.of("timeout", "engine")) {
                machine = random.nextBoolean() ? MACHINE.get(name).apply(machine) : machine;
            }
            assertSame(machine);
        }
    }

    @Test
    void severalVcpusAreCarriedInTheirOrder() {
        MachineConfig config = MachineConfig.builder()
                .vcpu(PLAIN)
                .vcpu(PLAIN.withLoad(0x2000).withInput("two"))
                .build();

        assertSame(config);
    }

    @Test
    void flatBinaryTakesItsElfFileAlong() {
        VcpuConfig vcpu = VcpuConfig.of(FLAT.withDetailsOf(ELF));

        Map<String, byte[]> files = new HashMap<>();
        MachineJson.write(machine(vcpu), files);

        assertThat(files).containsOnlyKeys("image/0/boot-kernel.bin", "image/0/symbols.elf");
        assertThat(files.get("image/0/symbols.elf")).isEqualTo(ELF.file());
        assertThat(readAgain(machine(vcpu)).vcpus().get(0).image().symbols()).isEqualTo(ELF.symbols());
        assertSame(machine(vcpu));
    }

    @Test
    void nameOfAnImageIsNoPath() {
        Map<String, byte[]> files = new HashMap<>();

        MachineJson.write(machine(VcpuConfig.of(GuestImage.flat("../../a b\\c:d", CODE))), files);
        MachineJson.write(machine(VcpuConfig.of(GuestImage.flat("k".repeat(300), CODE))), files);

        assertThat(files).containsOnlyKeys("image/0/boot-.._.._a_b_c_d", "image/0/boot-" + "k".repeat(80));
    }
}
