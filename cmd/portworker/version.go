package main

// version is what hello and --version say.
const version = "0.1.0"
