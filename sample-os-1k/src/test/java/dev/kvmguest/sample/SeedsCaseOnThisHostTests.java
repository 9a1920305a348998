package dev.kvmguest.sample;

/** On the engine that is taken where nobody asks for one. */
class SeedsCaseOnThisHostTests extends SeedsCase {}
