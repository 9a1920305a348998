// Boots a guest. Where there is no KVM Maven reports the project as skipped; where there is one that doesn't work it fails.
new File('/dev/kvm').exists()
