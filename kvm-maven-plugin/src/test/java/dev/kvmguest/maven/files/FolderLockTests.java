package dev.kvmguest.maven.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FolderLockTests {

    @TempDir
    private Path target;

    @Test
    void secondBuildIsToldWhoIsThereAndWaitsForItsEnd() throws Exception {
        Path folder = target.resolve("kvm-reports");
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        FolderLock first = FolderLock.take(folder, Path.of("first"), events::add);
        Thread second = new Thread(() -> {
            try {
                FolderLock mine = FolderLock.take(folder, Path.of("second"), events::add);
                events.add("second has it");
                mine.close();
            } catch (IOException | InterruptedException e) {
                events.add(e.toString());
            }
        });
        second.start();

        assertThat(events.take())
                .startsWith("another build writes to " + folder + ": process "
                        + ProcessHandle.current().pid() + ", the build of first, since ")
                .endsWith("; this one waits for it");
        assertThat(events.poll(300, TimeUnit.MILLISECONDS)).isNull();
        first.close();
        assertThat(events.take()).isEqualTo("second has it");
        second.join();

        List<String> nobody = new ArrayList<>();
        FolderLock.take(folder, Path.of("third"), nobody::add).close();
        assertThat(nobody).isEmpty();
    }

    @Test
    void lockOfAProcessThatIsKilledIsFree() throws Exception {
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        target.toString())
                .redirectErrorStream(true)
                .start();
        assertThat(other.inputReader().readLine()).isEqualTo("locked");

        List<String> waitedFor = new ArrayList<>();
        FolderLock mine = FolderLock.take(target, Path.of("this"), owner -> {
            waitedFor.add(owner);
            other.destroyForcibly();
        });

        mine.close();
        assertThat(waitedFor)
                .singleElement()
                .asString()
                .contains("process " + other.pid() + ", the build of other, since ");
    }

    /** A build that never ends. */
    static final class Holder {

        private Holder() {}

        public static void main(String[] arguments) throws Exception {
            FolderLock.take(Path.of(arguments[0]), Path.of("other"), owner -> {});
            System.out.println("locked");
            Thread.currentThread().join();
        }
    }

    @Test
    void folderThatCannotBeMadeIsAnError() throws IOException {
        Path file = Files.createFile(target.resolve("file"));

        assertThatThrownBy(() -> FolderLock.take(file, target, owner -> {})).isInstanceOf(IOException.class);
    }
}
