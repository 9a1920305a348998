        .error "the guest names a single file, and this is another one"
