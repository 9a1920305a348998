// Asks for KVM. Where there is none Maven reports the project as skipped; where there is one that doesn't work it fails.
new File('/dev/kvm').exists()
