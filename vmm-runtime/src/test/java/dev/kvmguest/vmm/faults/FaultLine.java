package dev.kvmguest.vmm.faults;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * One line of a fault table: {@code title | start and setup | bytes: instruction; ... | what must come}.
 *
 * <p>README.txt beside the tables describes the columns.
 *
 * @param title what is checked
 * @param setup the start and the changes to it, see {@link Scenario}
 * @param code all bytes
 * @param at the offset of the instruction that the line is about
 * @param behind the offset behind it
 * @param expected what must come, see {@link Expected}
 */
record FaultLine(String title, String[] setup, byte[] code, int at, int behind, String[] expected) {

    private static final int COLUMNS = 4;

    static List<FaultLine> table(String name) {
        return TableFile.lines(name).stream().map(FaultLine::parse).toList();
    }

    static FaultLine parse(String line) {
        String[] columns = line.strip().split("\\s*\\|\\s*");
        if (columns.length != COLUMNS) {
            throw new IllegalArgumentException(columns.length + " columns: " + line);
        }
        String[] instructions = columns[2].split(";\\s*");
        List<byte[]> codes = new ArrayList<>();
        int marked = instructions.length - 1;
        for (int i = 0; i < instructions.length; i++) {
            String text = instructions[i];
            if (text.startsWith(">")) {
                marked = i;
                text = text.substring(1);
            }
            codes.add(
                    HexFormat.of().parseHex(text.substring(0, text.indexOf(':')).strip()));
        }
        int at = codes.subList(0, marked).stream().mapToInt(code -> code.length).sum();
        byte[] all = new byte[codes.stream().mapToInt(code -> code.length).sum()];
        int place = 0;
        for (byte[] code : codes) {
            System.arraycopy(code, 0, all, place, code.length);
            place += code.length;
        }
        return new FaultLine(
                columns[0], columns[1].split("\\s+"), all, at, at + codes.get(marked).length, columns[3].split("\\s+"));
    }

    @Override
    public String toString() {
        return title + " [" + String.join(" ", setup) + "] gives " + String.join(" ", expected);
    }
}
