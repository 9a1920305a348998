package dev.kvmguest.vmm.mouse;

/** A button of a mouse with three buttons, for somebody right-handed. */
public enum MouseButton {
    LEFT,
    MIDDLE,
    RIGHT
}
