package dev.kvmguest.maven;

import java.util.LinkedHashSet;
import java.util.Set;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.codehaus.plexus.util.xml.Xpp3Dom;

/** Finds every guest that a POM names for this plugin, in all executions. */
final class PomGuests {

    private PomGuests() {}

    /** Returns the ids of the guests in the configuration of a plugin and of all its executions, in its order. */
    static Set<String> ids(Plugin plugin) {
        Set<String> ids = new LinkedHashSet<>();
        collect(plugin.getConfiguration(), ids);
        for (PluginExecution execution : plugin.getExecutions()) {
            collect(execution.getConfiguration(), ids);
        }
        return ids;
    }

    private static void collect(Object configuration, Set<String> ids) {
        if (!(configuration instanceof Xpp3Dom)) {
            return;
        }
        Xpp3Dom element = (Xpp3Dom) configuration;
        Xpp3Dom id = element.getChild("id");
        if (element.getName().equals("guest") && id != null && id.getValue() != null) {
            ids.add(id.getValue().trim());
        }
        for (Xpp3Dom child : element.getChildren()) {
            collect(child, ids);
        }
    }
}
