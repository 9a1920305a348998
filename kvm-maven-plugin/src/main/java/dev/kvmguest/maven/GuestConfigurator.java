package dev.kvmguest.maven;

import org.codehaus.plexus.classworlds.realm.ClassRealm;
import org.codehaus.plexus.component.configurator.BasicComponentConfigurator;
import org.codehaus.plexus.component.configurator.ComponentConfigurationException;
import org.codehaus.plexus.component.configurator.ConfigurationListener;
import org.codehaus.plexus.component.configurator.expression.ExpressionEvaluator;
import org.codehaus.plexus.configuration.PlexusConfiguration;

/**
 * Configures the goals that take guests as Maven does any goal, after it has made sure that each element of a guest
 * exists: Maven's own message would name a class of this plugin, and neither the guest nor what may be meant.
 */
public final class GuestConfigurator extends BasicComponentConfigurator {

    /** What goals ask for it by; META-INF/plexus/components.xml has the same. */
    static final String NAME = "kvm-guests";

    @Override
    public void configureComponent(
            Object component,
            PlexusConfiguration configuration,
            ExpressionEvaluator evaluator,
            ClassRealm realm,
            ConfigurationListener listener)
            throws ComponentConfigurationException {
        PlexusConfiguration guests = configuration.getChild("guests", false);
        if (guests != null) {
            try {
                GuestElements.requireKnown(guests);
            } catch (IllegalArgumentException e) {
                throw new ComponentConfigurationException(e.getMessage());
            }
        }
        super.configureComponent(component, configuration, evaluator, realm, listener);
    }
}
