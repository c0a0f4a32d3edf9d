//! `emocue-badge doctor`: what works here and how to mend what does not.
