// Package differential compares how virt-audit and a real libvirtd read the same document.
//
// Seeds are changed by the mutations of one table. libvirtd defines each mutant, and its dump
// (dumpxml with --inactive and --security-info) is audited as well as the mutant itself: type, OS
// type, architecture, machine, verdict and findings must be the same. Differences that the
// unchanged seed already shows are not caused by the mutation and are listed separately. Each kind
// of difference is minimised into a file. The test fails for a difference that no row of the table
// of accepted differences explains.
//
// "make test" runs 2,000 documents with a fixed seed, "make differential COUNT=n SEED=n [ROOT=DIR]"
// any number, against the libvirt of the machine or one that root.sh has unpacked into DIR.
package differential
