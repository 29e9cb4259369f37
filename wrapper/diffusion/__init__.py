"""Pictures: txt2img, masked inpainting, and the parameters they carry."""
