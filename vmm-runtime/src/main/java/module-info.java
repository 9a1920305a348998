/**
 * Boots a guest, on KVM or on an x86 CPU in Java, and reports how it ended. What is under {@code internal} is not
 * exported.
 */
// JNA has no module descriptor of its own, and is needed for KVM only.
@SuppressWarnings("requires-automatic")
module dev.kvmguest.vmm {
    requires static com.sun.jna;

    exports dev.kvmguest.vmm;
    exports dev.kvmguest.vmm.bisect;
    exports dev.kvmguest.vmm.bundle;
    exports dev.kvmguest.vmm.compare;
    exports dev.kvmguest.vmm.config;
    exports dev.kvmguest.vmm.cpu;
    exports dev.kvmguest.vmm.diagnosis;
    exports dev.kvmguest.vmm.doctor;
    exports dev.kvmguest.vmm.export;
    exports dev.kvmguest.vmm.image;
    exports dev.kvmguest.vmm.keyboard;
    exports dev.kvmguest.vmm.memory;
    exports dev.kvmguest.vmm.mouse;
    exports dev.kvmguest.vmm.outcome;
    exports dev.kvmguest.vmm.report;
    exports dev.kvmguest.vmm.text;
}
