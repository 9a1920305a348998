package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Decides what {@link EnabledIfKvm} asks. */
final class KvmCondition implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return AnnotationSupport.findAnnotation(context.getElement(), EnabledIfKvm.class)
                .map(annotation -> evaluate(KvmEngine.instance(), annotation.value()))
                .orElseGet(() -> ConditionEvaluationResult.enabled("@EnabledIfKvm is not present"));
    }

    static ConditionEvaluationResult evaluate(Engine engine, BootMode mode) {
        Feature feature = Feature.neededBy(mode);
        try {
            return engine.capabilities()
                    .whyNot(feature)
                    .map(why -> ConditionEvaluationResult.disabled(
                            "this host's KVM can't run boot mode " + mode + ": " + feature.words() + ": " + why))
                    .orElseGet(() -> ConditionEvaluationResult.enabled("this host's KVM runs boot mode " + mode));
        } catch (VmmException e) {
            return ConditionEvaluationResult.disabled("this host has no usable KVM: " + e.getMessage());
        }
    }
}
