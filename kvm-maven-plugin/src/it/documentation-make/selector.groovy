// Builds a kernel by make and this host's gcc. Where that is no gcc for x86, or a program is missing, Maven reports the
// project as skipped.
System.getProperty('os.arch') == 'amd64' && ['make', 'gcc'].every { program ->
    System.getenv('PATH').split(File.pathSeparator).any { new File(it, program).canExecute() }
}
