//! What a run leaves behind for others to read, and the colours that maps are shown in.
