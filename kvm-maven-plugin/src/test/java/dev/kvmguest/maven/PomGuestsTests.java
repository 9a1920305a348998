package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.codehaus.plexus.util.xml.Xpp3Dom;
import org.codehaus.plexus.util.xml.Xpp3DomBuilder;
import org.junit.jupiter.api.Test;

class PomGuestsTests {

    private static Xpp3Dom xml(String text) throws Exception {
        return Xpp3DomBuilder.build(new StringReader(text));
    }

    @Test
    void guestsOfThePluginAndOfItsExecutionsAreFound() throws Exception {
        Plugin plugin = new Plugin();
        plugin.setConfiguration(
                xml("<configuration><guests><guest><id>kernel</id></guest><guest/></guests></configuration>"));
        PluginExecution tests = new PluginExecution();
        tests.setConfiguration(xml("<configuration><guests><guest><id> probe </id></guest></guests></configuration>"));
        plugin.addExecution(tests);
        plugin.addExecution(new PluginExecution());

        assertThat(PomGuests.ids(plugin)).containsExactlyInAnyOrder("kernel", "probe");
        assertThat(PomGuests.ids(new Plugin())).isEmpty();
    }
}
