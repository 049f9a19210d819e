"""A face parser: BiSeNet, taught with photos and with drawings of them."""
