//! SSD1306 and SH1106 panels over I2C.
