package dev.kvmguest.maven.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.maven.decoder.KnownDifferences.Kind;
import dev.kvmguest.maven.decoder.LlvmMc.Disassembly;
import dev.kvmguest.maven.toolchain.PinnedToolchain;
import dev.kvmguest.maven.toolchain.ToolchainException;
import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Disassembler;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares the emulator's decoder with LLVM's: what is an instruction, how long it is, its name and its operands.
 *
 * <p>It is here because this module has the pinned LLVM. A build compares one in eight encodings, spread over all of them;
 * {@code -Dkvmguest.decoder.one-in=1} compares all. {@code -Dkvmguest.decoder.seed=N} and {@code -Dkvmguest.decoder.cases=N}
 * (for each of 16-, 32- and 64-bit code) choose other random bytes, {@code -Dkvmguest.decoder.llvm-mc=FILE} another LLVM.
 */
class DecoderAgainstLlvmTests {

    private static final long SEED = Long.getLong("kvmguest.decoder.seed", 1);
    private static final int CASES = Integer.getInteger("kvmguest.decoder.cases", 120_000);
    private static final int ONE_IN = Integer.getInteger("kvmguest.decoder.one-in", 8);

    private static final int EIP = 0x1000;
    private static final int PER_RUN = 100_000;
    private static final HexFormat BYTES = HexFormat.ofDelimiter(" ");
    private static final Pattern ENCODING = Pattern.compile("((?:(?:66|67|f[023]|[23][6e]|64|65) )*)(.*)");
    private static final Pattern ENCODING_64 = Pattern.compile("((?:(?:66|67|f[023]|[23][6e]|64|65|4.) )*)(.*)");
    private static final byte NOP = (byte) 0x90;

    @TempDir
    Path folder;

    private final KnownDifferences known = new KnownDifferences();
    /** The first of its kind, by our mnemonic and LLVM's. */
    private final Map<String, String> differences = new LinkedHashMap<>();

    DecoderAgainstLlvmTests() throws IOException {}

    @Test
    void bytesAreTheSameInstructions() throws Exception {
        LlvmMc llvm = new LlvmMc(program(), folder);
        Encodings encodings = new Encodings(SEED);
        Random choice = new Random(SEED);
        for (CpuMode mode : List.of(CpuMode.PROTECTED32, CpuMode.PROTECTED16, CpuMode.LONG64)) {
            List<byte[]> all = encodings.systematic(mode);
            all.addAll(encodings.random(CASES, mode));
            all.removeIf(encoding -> choice.nextInt(ONE_IN) != 0);
            for (int from = 0; from < all.size(); from += PER_RUN) {
                compare(llvm, all.subList(from, Math.min(from + PER_RUN, all.size())), mode);
            }
        }

        assertThat(differences.values())
                .as("differences, with -Dkvmguest.decoder.seed=%d", SEED)
                .isEmpty();
        // A part of the encodings doesn't meet all of them.
        if (ONE_IN == 1) {
            assertThat(known.unused())
                    .as("lines of llvm-differences.txt that nothing has needed")
                    .isEmpty();
        }
    }

    private void compare(LlvmMc llvm, List<byte[]> encodings, CpuMode mode) throws IOException, InterruptedException {
        List<Instruction> ours = new ArrayList<>(encodings.size());
        List<byte[]> cut = new ArrayList<>(encodings.size());
        for (byte[] encoding : encodings) {
            Instruction instruction = new Decoder(new OperationTable()).decode(i -> encoding[i] & 0xff, EIP, mode);
            ours.add(instruction);
            cut.add(cut(instruction, encoding));
        }
        List<Disassembly> theirs = llvm.disassemble(cut, mode);
        for (int i = 0; i < encodings.size(); i++) {
            String subject = subject(cut.get(i), mode);
            String difference = difference(ours.get(i), theirs.get(i), subject);
            if (difference != null && !known.allow(Kind.ANY, subject)) {
                String names = ours.get(i).mnemonic + " " + firstName(theirs.get(i));
                differences.putIfAbsent(names, subject + ": " + difference);
            }
        }
    }

    private static String firstName(Disassembly theirs) {
        List<String> texts = theirs.instructions();
        return texts.isEmpty() ? "" : texts.get(0).split("\\s")[0];
    }

    /** LLVM gets as many bytes as the decoder took: if it needs fewer or more, that shows. */
    private static byte[] cut(Instruction instruction, byte[] encoding) {
        if (!isValid(instruction)) {
            return encoding;
        }
        byte[] bytes = Arrays.copyOf(encoding, instruction.length);
        if (instruction.mnemonic == Mnemonic.BOUND) {
            // LLVM looks at the byte behind it before it sees that this is no EVEX prefix.
            bytes = Arrays.copyOf(bytes, instruction.length + 1);
            bytes[instruction.length] = NOP;
        }
        return bytes;
    }

    /** Returns what the patterns of llvm-differences.txt look at: mode, prefixes and the rest. */
    private static String subject(byte[] encoding, CpuMode mode) {
        Matcher matcher = (mode.is64() ? ENCODING_64 : ENCODING).matcher(BYTES.formatHex(encoding));
        if (!matcher.matches()) {
            throw new IllegalStateException();
        }
        return 8 * mode.addressSize() + ": " + matcher.group(1) + ": " + matcher.group(2);
    }

    private String difference(Instruction ours, Disassembly theirs, String subject) {
        List<String> texts = theirs.instructions();
        LlvmText first = texts.isEmpty() ? null : LlvmText.parse(texts.get(0), ours.addressSize, ours.mode);
        if (!isValid(ours)) {
            boolean same = first == null || known.allow(Kind.LLVM_ACCEPTS, subject);
            return same ? null : "no instruction, but to LLVM " + texts.get(0);
        }
        String text = Disassembler.text(ours);
        if (first == null) {
            return known.allow(Kind.LLVM_REJECTS, subject) ? null : text + ", but to LLVM longer or no instruction";
        }
        int expected = ours.mnemonic == Mnemonic.BOUND ? 2 : 1;
        if (texts.size() != expected || !theirs.complete()) {
            return text + ", but to LLVM shorter: " + texts;
        }
        String names = ours.mnemonic + " " + first.mnemonic();
        if (!first.mnemonic().equals(ours.mnemonic.text()) && !known.allow(Kind.NAME, names)) {
            return text + ", but to LLVM " + texts.get(0) + " (" + names + ")";
        }
        boolean same = OurText.hasOperands(ours, first.operands());
        return same || known.allow(Kind.OPERANDS, ours.mnemonic + " " + subject)
                ? null
                : text + ", but to LLVM " + texts.get(0) + " (" + OurText.operands(ours) + " and " + first.operands()
                        + ")";
    }

    private static boolean isValid(Instruction instruction) {
        return instruction.mnemonic != Mnemonic.INVALID && instruction.mnemonic != Mnemonic.TOO_LONG;
    }

    private static Path program() throws ToolchainException, IOException {
        String named = System.getProperty("kvmguest.decoder.llvm-mc");
        return named != null ? Path.of(named) : pinned();
    }

    /** Returns the program of the pinned LLVM, which is among this module's test dependencies. */
    private static Path pinned() throws ToolchainException, IOException {
        String linker = PinnedToolchain.find().linker().get(0);
        return Path.of(linker).resolveSibling("llvm-mc");
    }
}
