package dev.kvmguest.vmm.outcome;

/**
 * Code page 437, the character set of VGA text memory, as Unicode. The codes that are control characters elsewhere,
 * 0x01 to 0x1F and 0x7F, are graphic characters on a screen.
 *
 * <p>Source: Unicode Consortium, CP437.TXT (1996), and IBM's glyphs of the control codes, IBMGRAPH.TXT (1999).
 */
final class CodePage437 {

    private static final int CODES = 256;

    private static final String TABLE = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼"
            + "►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
            + " !\"#$%&'()*+,-./"
            + "0123456789:;<=>?"
            + "@ABCDEFGHIJKLMNO"
            + "PQRSTUVWXYZ[\\]^_"
            + "`abcdefghijklmno"
            + "pqrstuvwxyz{|}~⌂"
            + "ÇüéâäàåçêëèïîìÄÅ"
            + "ÉæÆôöòûùÿÖÜ¢£¥₧ƒ"
            + "áíóúñÑªº¿⌐¬½¼¡«»"
            + "░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
            + "└┴┬├─┼╞╟╚╔╩╦╠═╬╧"
            + "╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
            + "αßΓπΣσµτΦΘΩδ∞φε∩"
            + "≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

    static {
        if (TABLE.length() != CODES) {
            throw new IllegalStateException("the table has " + TABLE.length() + " characters");
        }
    }

    private CodePage437() {}

    /** Returns the character of a code, 0 to 255; that of 0 is a blank. */
    static char decode(int code) {
        return TABLE.charAt(code);
    }
}
