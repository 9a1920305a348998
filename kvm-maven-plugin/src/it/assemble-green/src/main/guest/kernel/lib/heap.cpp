// C++ is not built, which is said.
