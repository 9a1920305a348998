// Boots a guest, so it needs a KVM that this user may use; elsewhere Maven reports the project as skipped.
def kvm = new File('/dev/kvm')
kvm.canRead() && kvm.canWrite()
