package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.StringReader;
import java.util.stream.Stream;
import org.codehaus.plexus.configuration.PlexusConfiguration;
import org.codehaus.plexus.configuration.xml.XmlPlexusConfiguration;
import org.codehaus.plexus.util.xml.Xpp3DomBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GuestElementsTests {

    static Stream<Arguments> typos() {
        return Stream.of(
                Arguments.of(
                        "<guest><id>k</id><linkerScrip>a</linkerScrip></guest>",
                        "<guests><guest id=k>",
                        "<linkerScrip>, which does not exist; did you mean linkerScript?"),
                Arguments.of(
                        "<guest><id>k</id>" + checks("<name>first</name><timout>5s</timout>") + "</guest>",
                        "<guests><guest id=k><checks><check name=first>",
                        "<timout>, which does not exist; did you mean timeout?"),
                Arguments.of(
                        "<guest><id>k</id>" + checks("</check><check><timout>5s</timout>") + "</guest>",
                        "<guests><guest id=k><checks><check number 2>",
                        "<timout>, which does not exist; did you mean timeout?"),
                Arguments.of(
                        "<guest>" + checks("<ports><port><number>0xe9</number><txt>a</txt></port></ports>")
                                + "</guest>",
                        "<guests><guest><checks><check><ports><port number=0xe9>",
                        "<txt>, which does not exist; did you mean text?"),
                Arguments.of(
                        "<guest><id>a</id></guest><guest><id>k</id><check/></guest>",
                        "<guests><guest id=k>",
                        "<check>, which does not exist; did you mean checks?"),
                Arguments.of(
                        "<guest><id>k</id><console>Hello</console></guest>",
                        "<guests><guest id=k>",
                        "<console>, which does not exist there; it belongs in <check>"),
                Arguments.of(
                        "<guest><id>k</id>" + checks("<ports><port><zzz/></port></ports>") + "</guest>",
                        "<guests><guest id=k><checks><check><ports><port>",
                        "<zzz>, which does not exist; these do: hex, number, text"));
    }

    private static String checks(String check) {
        return "<checks><check>" + check + "</check></checks>";
    }

    @ParameterizedTest
    @MethodSource("typos")
    void elementThatDoesNotExistIsNamedWithItsPlaceAndWhatMayBeMeant(String guests, String place, String element) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestElements.requireKnown(parse(guests)))
                .withMessage(place + " has an element " + element);
    }

    @Test
    void everyElementThatMavenTakesIsKnown() {
        assertThatCode(() -> GuestElements.requireKnown(parse("""
                        <guest><id>a</id><linker-script>a.ld</linker-script>
                        <modules><module>x</module></modules><compilerArgs><arg>-O1</arg></compilerArgs>
                        <checks><check><guestTests>true</guestTests><ports><port><hex>61</hex></port></ports></check>
                        </checks></guest>
                        <guest/>
                        """))).doesNotThrowAnyException();
    }

    private static PlexusConfiguration parse(String guests) throws Exception {
        return new XmlPlexusConfiguration(Xpp3DomBuilder.build(new StringReader("<guests>" + guests + "</guests>")));
    }
}
