package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.MachineConfig;
import java.nio.file.Path;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/**
 * The command line of a machine in QEMU: a PC with the guest's memory, the ports of the guest contract that QEMU has
 * devices for, and nothing that reaches a network, a display or a configuration of the user's.
 *
 * @param program the program
 * @param folder a folder for sockets and files of this run alone
 */
record QemuArguments(QemuProgram program, Path folder) {

    private static final int KIB = 1024;

    /** Returns where the monitor that speaks QMP listens. */
    Path monitor() {
        return folder.resolve("qmp");
    }

    /** Returns where the stub for a debugger listens. */
    Path debugger() {
        return folder.resolve("gdb");
    }

    /** Returns the file that is the guest's RAM, which the host maps too. */
    Path ram() {
        return folder.resolve("ram");
    }

    /** Returns the empty floppy disk that the firmware boots. */
    Path floppy() {
        return folder.resolve("floppy");
    }

    /** Returns program and arguments; the user's own come last, and can't replace what is before them. */
    List<String> line(MachineConfig config) {
        String size = config.memorySize() / KIB + "K";
        List<String> line = new ArrayList<>(List.of(
                program.file().toString(),
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-vga",
                "std",
                "-m",
                size,
                "-object",
                "memory-backend-file,id=ram,share=on,size=" + size + ",mem-path=" + ram(),
                "-machine",
                "pc,memory-backend=ram",
                "-rtc",
                "clock=vm,base=" + DateTimeFormatter.ISO_LOCAL_DATE_TIME.format(config.date()),
                "-drive",
                "if=floppy,format=raw,read-only=on,file=" + floppy(),
                "-boot",
                "order=a",
                // A guest that resets or shuts down its machine leaves it as it was then.
                "-no-reboot",
                "-action",
                "shutdown=pause",
                // Both write to one stream, so that it has their bytes in the order written. What is typed goes to the
                // last of them.
                "-chardev",
                "stdio,id=console,mux=on,signal=off",
                "-device",
                "isa-debugcon,iobase=0xe9,chardev=console",
                "-device",
                "isa-serial,chardev=console",
                "-device",
                "isa-debug-exit,iobase=0xf4,iosize=4",
                "-chardev",
                "socket,id=gdb,server=on,wait=off,path=" + debugger(),
                "-gdb",
                "chardev:gdb",
                "-qmp",
                "unix:" + monitor() + ",server=on,wait=off",
                "-S"));
        line.addAll(config.qemuArguments());
        return line;
    }
}
