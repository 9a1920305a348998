package dev.kvmguest.junit;

/** Says that a screen doesn't look as expected, and, once they are published, where the pictures are. */
final class PictureFailure extends AssertionError {

    private static final long serialVersionUID = 1;

    private final transient ScreenPictures pictures;

    PictureFailure(String message, ScreenPictures pictures) {
        super(message);
        this.pictures = pictures;
        addSuppressed(pictures);
    }

    @Override
    public String getMessage() {
        return super.getMessage() + pictures.lines();
    }
}
