package dev.kvmguest.vmm.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class JsonReportTests {

    @Test
    void reportHasAllThatIsKnown() {
        assertThat(JsonReport.of(new Outcome.DebugExit(3, Examples.full()))).isEqualTo("""
                        {
                          "format": 1,
                          "outcome": "debug-exit",
                          "exitCode": 3,
                          "provedAfterMillis": null,
                          "guest": "kernel",
                          "boot": "paged",
                          "vcpu": 0,
                          "description": "left by the debug-exit port with 3",
                          "mismatches": null,
                          "engine": "kvm",
                          "engineReason": "asked for",
                          "console": "Hi\\n",
                          "screen": "☺ Hi\\n  there",
                          "framebuffer": null,
                          "ports": {
                            "0xe9": "SGkK",
                            "0x510": "/w=="
                          },
                          "unclaimedPorts": ["0x70", "0x510"],
                          "unclaimedMemory": ["0xfee00000"],
                          "warnings": ["image kernel ends too late", "another warning"],
                          "instructions": 1234,
                          "wallMillis": 3.125,
                          "registers": {
                            "eax": "0x1234",
                            "ebx": "0x0",
                            "ecx": "0x0",
                            "edx": "0x0",
                            "esi": "0x0",
                            "edi": "0x0",
                            "ebp": "0x0",
                            "esp": "0xfffffffc",
                            "eip": "0x80001d3f",
                            "eflags": "0x2",
                            "cs": "0x8",
                            "ds": "0x10",
                            "es": "0x0",
                            "fs": "0x0",
                            "gs": "0x0",
                            "ss": "0x10",
                            "tr": "0x0",
                            "ldtr": "0x0",
                            "gdtr.base": "0x500",
                            "gdtr.limit": "0x27",
                            "idtr.base": "0x528",
                            "idtr.limit": "0x7ff",
                            "cr0": "0x80000011",
                            "cr2": "0x0",
                            "cr3": "0x100000",
                            "cr4": "0x10",
                            "efer": "0x0"
                          },
                          "guestTest": null,
                          "taken": [],
                          "exceptions": null,
                          "standstill": null,
                          "inspection": null,
                          "origin": null,
                          "fault": null,
                          "divergence": null,
                          "divergesAt": null
                        }
                        """);
    }

    @Test
    void loopThatWasProvedToNeverEndHasTheGuestTimeAfterWhichItWas() {
        Ending.TimedOut proved = new Ending.TimedOut(Duration.ofSeconds(5), Optional.of(Duration.ofMillis(10)));

        assertThat(JsonReport.of(new Outcome.TimedOut(proved, Examples.bare())))
                .contains("\n  \"provedAfterMillis\": 10,\n");
        assertThat(JsonReport.of(new Outcome.TimedOut(Duration.ofSeconds(5), Examples.bare())))
                .contains("\n  \"provedAfterMillis\": null,\n");
    }

    @Test
    void whatIsNotKnownIsNull() {
        assertThat(JsonReport.of(new Outcome.TripleFault(Examples.bare()))).isEqualTo("""
                        {
                          "format": 1,
                          "outcome": "triple-fault",
                          "exitCode": null,
                          "provedAfterMillis": null,
                          "guest": "kernel",
                          "boot": "paged",
                          "vcpu": 0,
                          "description": "triple-faulted",
                          "mismatches": null,
                          "engine": "kvm",
                          "engineReason": "asked for",
                          "console": "",
                          "screen": null,
                          "framebuffer": null,
                          "ports": {},
                          "unclaimedPorts": [],
                          "unclaimedMemory": [],
                          "warnings": [],
                          "instructions": null,
                          "wallMillis": 3.125,
                          "registers": null,
                          "guestTest": null,
                          "taken": [],
                          "exceptions": null,
                          "standstill": null,
                          "inspection": null,
                          "origin": null,
                          "fault": null,
                          "divergence": null,
                          "divergesAt": null
                        }
                        """);
    }

    @Test
    void faultHasItsChainItsInstructionsAndAdvice() {
        assertThat(JsonReport.of(new Outcome.TripleFault(Examples.withFault(Examples.sseFault(), false))))
                .contains("""
                  "fault": {
                    "first": {
                      "vector": 6,
                      "name": "#UD",
                      "errorCode": null,
                      "cs": "0x8",
                      "eip": "0x80001d3f",
                      "cr2": null,
                      "symbol": "memset+0x1f",
                      "source": "src/common.c:6",
                      "bytes": "66 0f 6e 44 24 18",
                      "instruction": "movd xmm0, [esp+0x18]",
                      "cause": "SSE needs CR4.OSFXSR"
                    },
                    "chain": [{
                        "vector": 6,
                        "name": "#UD",
                        "errorCode": null,
                        "cr2": null,
                        "cause": "SSE needs CR4.OSFXSR"
                      }, {
                        "vector": 13,
                        "name": "#GP",
                        "errorCode": "0x33",
                        "cr2": null,
                        "cause": "IDT[6] at 0x558 is empty"
                      }, {
                        "vector": 8,
                        "name": "#DF",
                        "errorCode": "0x0",
                        "cr2": null,
                        "cause": "IDT[13] at 0x590 is empty"
                      }],
                    "shutdown": "IDT[8] at 0x568 is empty",
                    "seenBy": "the emulator, which replayed what kvm ran",
                    "registers": {
                      "eax": "0x1234",
                """)
                .endsWith("""
                      "efer": "0x0"
                    },
                    "lastInstructions": ["0x80001012 main+0x12 call 0x80001d20", "0x80001d20 memset push ebp", \
                "0x80001d3f memset+0x1f movd xmm0, [esp+0x18]"],
                    "advice": ["the guest uses SSE, which CR4.OSFXSR = 0 forbids; compile it with -mno-sse"]
                  },
                  "divergence": null,
                  "divergesAt": null
                }
                """);
    }

    @Test
    void whatIsNotKnownOfAFaultIsNull() {
        assertThat(JsonReport.of(new Outcome.TripleFault(Examples.withFault(Examples.bareFault(), true))))
                .contains("""
                    "first": {
                      "vector": 14,
                      "name": "#PF",
                      "errorCode": "0x0",
                      "cs": "0x8",
                      "eip": "0xdead0000",
                      "cr2": "0xdead0000",
                      "symbol": null,
                      "source": null,
                      "bytes": null,
                      "instruction": null,
                      "cause": null
                    },
                """)
                .endsWith("""
                    "lastInstructions": [],
                    "advice": []
                  },
                  "divergence": null,
                  "divergesAt": null
                }
                """);
    }

    @Test
    void inspectionHasCallersPageWalkTablesAndPlaces() {
        assertThat(JsonReport.of(new Outcome.TripleFault(DiagnosedRuns.died())))
                .contains("""
                  "inspection": {
                    "callChain": [{
                        "eip": "0x80001e12",
                        "symbol": "frames_init+0x42",
                        "source": "src/frames.c:31",
                        "interrupted": false,
                        "certain": true
                      }, {
                        "eip": "0x80001012",
                        "symbol": "main+0x12",
                        "source": null,
                        "interrupted": false,
                        "certain": false
                      }, {
                """)
                .contains("""
                    "pageWalk": {
                      "linear": "0x80001d3f",
                      "levels": [{
                          "name": "page-directory entry 512",
                          "address": "0x100800",
                          "entry": "0x83",
                          "meaning": "4 MiB page at 0x0, present, writable, supervisor"
                        }],
                      "result": "physical 0x1d3f"
                    },
                    "tables": [{
                        "name": "GDT",
                        "base": "0x500",
                        "limit": "0x27",
                        "rows": [{
                            "first": 0,
                            "last": 0,
                            "raw": "0x0",
                            "meaning": "null"
                          }, {
                """)
                .contains("""
                      }, {
                        "register": "IDTR",
                        "linear": "0x528",
                        "physical": null
                      }]
                  },
                """);
    }

    @Test
    void mismatchesAreSentencesAndThereAreNoneIfAllIsAsExpected() {
        Outcome first = new Outcome.TripleFault(Examples.bare());
        Outcome second = new Outcome.HypercallExit(Examples.bare());
        List<Mismatch> mismatches =
                List.of(new Mismatch("a \"b\"", "c", "expected a \"b\", but c"), Mismatch.of("another sentence"));

        assertThat(JsonReport.of(first, mismatches))
                .contains("\n  \"mismatches\": [\"expected a \\\"b\\\", but c\", \"another sentence\"],\n");
        assertThat(JsonReport.of(first, List.of())).contains("\n  \"mismatches\": [],\n");
        assertThat(JsonReport.of(List.of(first, second), outcome -> outcome == first ? mismatches : List.of()))
                .containsSubsequence("\"mismatches\": [\"expected", "\"mismatches\": [],");
    }

    @Test
    void severalVcpusAreAList() {
        Outcome first = new Outcome.TripleFault(Examples.bare());
        Outcome second = new Outcome.HypercallExit(Examples.bare());

        assertThat(JsonReport.of(List.of(first, second)))
                .startsWith("{\n  \"format\": 1,\n  \"vcpus\": [{\n      \"outcome\": \"triple-fault\",\n")
                .contains("}, {\n      \"outcome\": \"hypercall-exit\",\n      \"exitCode\": 0,\n")
                .endsWith("    }]\n}\n");
        assertThat(JsonReport.of(List.of(first))).isEqualTo(JsonReport.of(first));
    }

    @Test
    void exceptionsThatTheGuestTookAreObjects() {
        HandledException taken = new HandledException(
                Examples.event(14, OptionalInt.of(2), OptionalLong.of(0x7000), Optional.empty()),
                Examples.instruction(0x1005, "mov dword [0x7000], 1", "main+0x5", "c7 05"));

        assertThat(JsonReport.of(new Outcome.DebugExit(0, Examples.withExceptions(taken))))
                .contains("""
                  "exceptions": [{
                      "vector": 14,
                      "name": "#PF",
                      "errorCode": "0x2",
                      "eip": "0x1005",
                      "cr2": "0x7000",
                      "symbol": "main+0x5",
                      "source": null,
                      "bytes": "c7 05",
                      "instruction": "mov dword [0x7000], 1",
                      "cause": null
                    }],
                """);
        assertThat(JsonReport.of(new Outcome.DebugExit(0, Examples.withExceptions())))
                .contains("\"exceptions\": [],\n");
    }

    @Test
    void testInTheGuestHasItsVerdictAndItsPlace() {
        assertThat(JsonReport.of(new Outcome.DebugExit(1, Examples.withFailedTest())))
                .contains("""
                  "guestTest": {
                    "name": "splits_pages",
                    "status": "failed",
                    "file": "memory.c",
                    "line": 42,
                    "message": "assertion failed: page != 0"
                  },
                """);
    }

    @Test
    void refusalHasEveryKeyOfARunAndSaysWhyThereWasNone() {
        assertThat(JsonReport.ofRefusal("kernel.elf", "no /dev/kvm")).isEqualTo("""
                        {
                          "format": 1,
                          "outcome": "unsupported",
                          "exitCode": null,
                          "provedAfterMillis": null,
                          "guest": "kernel.elf",
                          "boot": null,
                          "vcpu": null,
                          "description": "was not run",
                          "mismatches": null,
                          "engine": null,
                          "engineReason": "no /dev/kvm",
                          "console": "",
                          "screen": null,
                          "framebuffer": null,
                          "ports": {},
                          "unclaimedPorts": [],
                          "unclaimedMemory": [],
                          "warnings": [],
                          "instructions": null,
                          "wallMillis": null,
                          "registers": null,
                          "guestTest": null,
                          "taken": [],
                          "exceptions": null,
                          "standstill": null,
                          "inspection": null,
                          "origin": null,
                          "fault": null,
                          "divergence": null,
                          "divergesAt": null
                        }
                        """);
    }
}
