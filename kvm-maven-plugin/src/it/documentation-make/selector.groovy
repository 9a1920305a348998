// Builds a kernel by make and gcc. Where one of them is missing Maven reports the project as skipped.
['make', 'gcc'].every { program ->
    System.getenv('PATH').split(File.pathSeparator).any { new File(it, program).canExecute() }
}
