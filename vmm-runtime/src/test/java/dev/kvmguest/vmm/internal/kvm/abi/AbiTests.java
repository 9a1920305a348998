package dev.kvmguest.vmm.internal.kvm.abi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Every number of the kernel's and the C library's interfaces, compared with what a C compiler says. */
@Timeout(60)
@EnabledOnOs(value = OS.LINUX, disabledReason = "the numbers are those of Linux")
class AbiTests {

    /** The members that are structures themselves, as far as they are used: a field is named by its member and its own name. */
    private static final Map<String, List<String>> MEMBERS = Map.of(
            "kvm_run", List.of("emulation_failure", "fail_entry", "hw", "internal", "io", "mmio"),
            "kvm_vcpu_events", List.of("exception", "interrupt"));

    private static final Map<String, String> LIBC_EXPRESSIONS = Map.of(
            "MAP_FAILED", "(long) MAP_FAILED",
            "SIZEOF_SIGSET_T", "sizeof(sigset_t)",
            "SIZEOF_KERNEL_SIGSET", "(_NSIG - 1) / 8",
            "SIZEOF_TIMESPEC", "sizeof(struct timespec)",
            "SYS_GETTID", "SYS_gettid",
            "SYS_TGKILL", "SYS_tgkill",
            "SYS_MEMFD_CREATE", "SYS_memfd_create");

    private final Map<String, Long> ours = new LinkedHashMap<>();
    private final Map<String, String> expressions = new LinkedHashMap<>();

    @TempDir
    private Path folder;

    @Test
    void structuresHaveTheSizesAndOffsetsOfLinuxKvmH() throws Exception {
        for (Class<?> struct : Structs.class.getDeclaredClasses()) {
            String name = struct.getSimpleName();
            for (Field constant : constants(struct)) {
                String expression = constant.getName().equals("SIZE")
                        ? "sizeof(struct " + name + ")"
                        : "offsetof(struct " + name + ", " + cField(name, constant.getName()) + ")";
                add(name + "." + constant.getName(), constant, expression);
            }
        }

        assertThat(ours).hasSizeGreaterThan(90);
        assertThat(kvmCompiler().evaluate(List.of("linux/kvm.h"), expressions)).isEqualTo(ours);
    }

    @Test
    void requestsCapabilitiesAndExitsHaveTheNumbersOfLinuxKvmH() throws Exception {
        for (Field constant : constants(Kvm.class)) {
            String name = constant.getName();
            add(name, constant, name.equals("API_VERSION") ? "KVM_API_VERSION" : name);
        }

        assertThat(ours).hasSizeGreaterThan(40);
        assertThat(kvmCompiler().evaluate(List.of("linux/kvm.h"), expressions)).isEqualTo(ours);
    }

    /** Headers older than the enum lack some of them. */
    @Test
    void capabilitiesHaveTheirNumbersInLinuxKvmHAndNoneForX86IsForgotten() throws Exception {
        Map<String, Integer> known = new LinkedHashMap<>();
        int last = 0;
        for (KvmCapability capability : KvmCapability.values()) {
            known.put(capability.name(), capability.number());
            last = Math.max(last, capability.number());
        }
        Map<String, Integer> header = new LinkedHashMap<>();
        for (Map.Entry<String, String> macro :
                kvmCompiler().macros("linux/kvm.h").entrySet()) {
            boolean ofX86 = !macro.getKey()
                    .matches("KVM_CAP_.*(PPC|S390|ARM|MIPS|RISCV|LOONG|SPAPR).*|"
                            + "KVM_CAP_(SW_TLB|IRQ_MPIC|IRQ_XICS|COUNTER_OFFSET)");
            if (macro.getKey().startsWith("KVM_CAP_") && ofX86 && Integer.parseInt(macro.getValue()) <= last) {
                header.put(macro.getKey(), Integer.valueOf(macro.getValue()));
            }
        }

        assertThat(header).hasSizeGreaterThan(100);
        assertThat(known).containsAllEntriesOf(header);
    }

    @Test
    void callsAndErrorsHaveTheNumbersOfTheCLibrary() throws Exception {
        for (Field constant : constants(Libc.class)) {
            String name = constant.getName();
            add(name, constant, LIBC_EXPRESSIONS.getOrDefault(name, name));
        }
        List<String> headers =
                List.of("errno.h", "fcntl.h", "signal.h", "sys/mman.h", "sys/syscall.h", "time.h", "unistd.h");

        assertThat(ours).hasSizeGreaterThan(25);
        assertThat(CCompiler.orSkip(folder).evaluate(headers, expressions)).isEqualTo(ours);
    }

    private CCompiler kvmCompiler() throws IOException, InterruptedException {
        CCompiler compiler = CCompiler.orSkip(folder);
        compiler.requireHeader("linux/kvm.h", "linux-libc-dev");
        return compiler;
    }

    private void add(String name, Field constant, String expression) throws IllegalAccessException {
        ours.put(name, ((Number) constant.get(null)).longValue());
        expressions.put(name, expression);
    }

    private static String cField(String struct, String constant) {
        if (struct.equals("kvm_run") && constant.equals("s_regs")) {
            return "s.regs.regs";
        }
        for (String member : MEMBERS.getOrDefault(struct, List.of())) {
            if (constant.startsWith(member + "_")) {
                return member + "." + constant.substring(member.length() + 1);
            }
        }
        return constant;
    }

    private static List<Field> constants(Class<?> type) {
        return List.of(type.getDeclaredFields()).stream()
                .filter(field -> Modifier.isPublic(field.getModifiers()) && Modifier.isStatic(field.getModifiers()))
                .toList();
    }
}
