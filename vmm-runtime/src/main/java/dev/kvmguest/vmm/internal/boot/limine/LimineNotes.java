package dev.kvmguest.vmm.internal.boot.limine;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.limine.LimineRequests.Request;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Tells what of a Limine kernel's requests this machine can't answer: ACPI tables, for one, it doesn't have. */
public final class LimineNotes {

    private static final Set<LimineFeature> NEVER = EnumSet.of(
            LimineFeature.RSDP,
            LimineFeature.SMBIOS,
            LimineFeature.EFI_SYSTEM_TABLE,
            LimineFeature.TPM_EVENT_LOG,
            LimineFeature.EFI_MEMORY_MAP,
            LimineFeature.DEVICE_TREE,
            LimineFeature.BSP_HART_ID,
            LimineFeature.PERFORMANCE,
            LimineFeature.TSC_FREQUENCY,
            LimineFeature.FLANTERM,
            LimineFeature.TERMINAL,
            LimineFeature.FIVE_LEVEL_PAGING);

    private LimineNotes() {}

    /**
     * Returns what a kernel doesn't get of what it asks for, a sentence each without a full stop.
     *
     * @param guest a guest that can be booted
     */
    public static List<String> of(VcpuConfig guest) {
        LimineExecutable executable = new LimineExecutable(guest.image());
        LimineRequests requests = new LimineRequests(executable, guest.image());
        List<String> notes = new ArrayList<>();
        List<Request> unanswered = requests.all().stream()
                .filter(request -> !isAnswered(request, executable, requests, guest))
                .toList();
        if (!unanswered.isEmpty()) {
            notes.add("the kernel's Limine request" + (unanswered.size() == 1 ? " " : "s ")
                    + names(unanswered) + (unanswered.size() == 1 ? " has" : " have")
                    + " no answer on this machine, and the response is left as it was, NULL as a rule; a kernel has to"
                    + " look at that before it uses one");
        }
        if (!requests.ignored().isEmpty()) {
            notes.add(
                    "the kernel has Limine requests that don't lie between its markers, and so are not looked at: "
                            + names(requests.ignored())
                            + "; put the start marker's section before theirs and the end marker's after it in the linker script");
        } else if (requests.all().isEmpty() && requests.tag().isEmpty()) {
            notes.add(
                    "the kernel has no Limine request and no base revision tag, so that it is told nothing and loaded by"
                            + " base revision 0; if its sources have some, the linker dropped them: put KEEP(*(.limine_requests))"
                            + " into the linker script");
        }
        if (!requests.isSupported()) {
            notes.add("the kernel asks for Limine's base revision " + Long.toUnsignedString(requests.wanted())
                    + ", the newest known here is " + LimineRequests.NEWEST + ", by which it was loaded; it finds so by"
                    + " LIMINE_BASE_REVISION_SUPPORTED");
        }
        return notes;
    }

    private static String names(List<Request> requests) {
        return requests.stream().map(Request::name).collect(Collectors.joining(", "));
    }

    private static boolean isAnswered(
            Request request, LimineExecutable executable, LimineRequests requests, VcpuConfig guest) {
        Optional<LimineFeature> feature = request.feature();
        if (feature.isEmpty()
                || NEVER.contains(feature.get())
                || !requests.of(feature.get()).equals(Optional.of(request))) {
            return false;
        }
        return feature.get() != LimineFeature.MODULES
                || LimineModules.of(executable, requests, guest.modules(), MachineConfig.MAX_MEMORY)
                        .isPresent();
    }
}
