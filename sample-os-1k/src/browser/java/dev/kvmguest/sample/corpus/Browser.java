package dev.kvmguest.sample.corpus;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** An installed Chromium without a window. Nothing is ever downloaded for it: browser and driver are those on the path. */
final class Browser implements AutoCloseable {

    private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");

    static {
        // It warns of each Chromium that is newer than itself.
        SELENIUM.setLevel(Level.SEVERE);
    }

    private final ChromeDriver driver;

    /**
     * How a page is looked at.
     *
     * @param width of the window, in CSS pixels
     * @param scheme light or dark, as the reader's system has it
     */
    record View(int width, String scheme) {

        private static final int HEIGHT = 900;

        /** Returns whether it is a telephone's. */
        boolean isNarrow() {
            return width < 600;
        }
    }

    /** Programs that a browser consists of. */
    record Programs(File browser, File driver) {

        /** Returns the first that are on the path; empty if there are none. */
        static Optional<Programs> installed() {
            Optional<File> browser = onPath("chromium").or(() -> onPath("google-chrome"));
            return browser.flatMap(program -> onPath("chromedriver").map(driver -> new Programs(program, driver)));
        }

        private static Optional<File> onPath(String name) {
            return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                    .map(folder -> Path.of(folder, name))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .map(Path::toFile);
        }
    }

    Browser(Programs programs) {
        LoggingPreferences all = new LoggingPreferences();
        all.enable(LogType.BROWSER, Level.ALL);
        ChromeOptions options = new ChromeOptions();
        options.setBinary(programs.browser());
        options.setCapability(ChromeOptions.LOGGING_PREFS, all);
        // Chromium has no sandbox for root, which builds in containers often are; the pages are our own.
        options.addArguments("--headless=new", "--no-sandbox", "--disable-gpu");
        driver = new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(programs.driver())
                        .usingAnyFreePort()
                        .build(),
                options);
    }

    /** Opens a page; what the browser has said of others is forgotten. */
    void open(Path page, View view) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", view.scheme()))));
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of(
                        "width",
                        view.width(),
                        "height",
                        View.HEIGHT,
                        "deviceScaleFactor",
                        1,
                        "mobile",
                        view.isNarrow()));
        log();
        driver.get(page.toUri().toString());
    }

    /** Returns what the browser has complained about since it was asked last. */
    List<String> log() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
                .map(Object::toString)
                .toList();
    }

    /** Returns what a function in JavaScript returns, which is a list. */
    List<?> call(String functions, String name) {
        return (List<?>) driver.executeScript(functions + "\nreturn " + name + "();");
    }

    @Override
    public void close() {
        driver.quit();
    }
}
