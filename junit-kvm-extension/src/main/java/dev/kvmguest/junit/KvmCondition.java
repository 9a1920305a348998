package dev.kvmguest.junit;

import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.config.BootMode;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Evaluates {@link EnabledIfKvm}. */
final class KvmCondition implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return AnnotationSupport.findAnnotation(context.getElement(), EnabledIfKvm.class)
                .map(KvmCondition::evaluate)
                .orElseGet(() -> ConditionEvaluationResult.enabled("@EnabledIfKvm is not present"));
    }

    private static ConditionEvaluationResult evaluate(EnabledIfKvm annotation) {
        BootMode mode = annotation.value();
        return (annotation.allOfIt() ? Host.whyNoKvmWithInterrupts(mode) : Host.whyNoKvm(mode))
                .map(ConditionEvaluationResult::disabled)
                .orElseGet(() -> ConditionEvaluationResult.enabled("this host's KVM runs boot mode " + mode));
    }
}
